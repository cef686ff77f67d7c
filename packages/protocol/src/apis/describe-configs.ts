import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string } from '../schema.ts'

/** Settings of topics, brokers and groups, with their sources, synonyms, types and documentation. */
export const describeConfigsApi = api({
  name: 'DescribeConfigs',
  key: 32,
  versions: '1-4',
  flexible: '4+',
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configurationKeys: array(string).nullable(),
    }),
    includeSynonyms: bool.default(false),
    includeDocumentation: bool.default(false).in('3+'),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: int8.default(-1),
        isSensitive: bool,
        synonyms: array({
          name: string,
          value: string.nullable(),
          source: int8,
        }),
        configType: int8.default(0).in('3+').ignorable(),
        documentation: string.nullable().in('3+').ignorable(),
      }),
    }),
  },
})

export interface DescribeConfigsRequest extends RequestOf<typeof describeConfigsApi> {}
export interface DescribeConfigsRequestInit extends RequestInitOf<typeof describeConfigsApi> {}
export interface DescribeConfigsResponse extends ResponseOf<typeof describeConfigsApi> {}
export interface DescribeConfigsResponseInit extends ResponseInitOf<typeof describeConfigsApi> {}
